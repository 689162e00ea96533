import { walks } from './walked.ts';

walks('latches');
