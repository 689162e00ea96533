import { walks } from './walked.ts';

walks('messages');
