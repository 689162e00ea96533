import { walks } from './walked.ts';

walks('locks');
