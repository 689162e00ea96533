import { walks } from './walked.ts';

walks('unrelated');
