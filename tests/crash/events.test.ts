import { walks } from './walked.ts';

walks('events');
