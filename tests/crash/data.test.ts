import { walks } from './walked.ts';

walks('data');
