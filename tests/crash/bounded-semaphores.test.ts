import { walks } from './walked.ts';

walks('boundedSemaphores');
