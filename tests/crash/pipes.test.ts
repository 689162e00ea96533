import { walks } from './walked.ts';

walks('pipes');
