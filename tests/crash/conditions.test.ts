import { walks } from './walked.ts';

walks('conditions');
