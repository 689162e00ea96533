import { walks } from './walked.ts';

walks('reaping');
