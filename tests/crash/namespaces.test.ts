import { walks } from './walked.ts';

walks('namespaces');
