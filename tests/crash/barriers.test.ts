import { walks } from './walked.ts';

walks('barriers');
