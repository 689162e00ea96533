// Takes the lock file of that path, says so, and keeps it until it is killed.
import lockfile from 'proper-lockfile';

await lockfile.lock(process.argv[2]);
console.log('held');
setInterval(() => {}, 60_000);
