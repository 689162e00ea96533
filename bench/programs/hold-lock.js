// Takes the Lock of that name in that namespace, says so, and keeps it until it is killed.
import { Lock } from 'lockstep';

const [name, namespace] = process.argv.slice(2);
new Lock({ name, namespace }).acquireSync();
console.log('held');
setInterval(() => {}, 60_000);
