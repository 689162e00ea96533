import { walks } from './walked.ts';

walks('objects');
