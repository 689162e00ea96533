import { walks } from './walked.ts';

walks('rwlocks');
