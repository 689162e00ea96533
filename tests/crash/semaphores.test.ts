import { walks } from './walked.ts';

walks('semaphores');
