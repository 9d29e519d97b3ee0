// Wall and CPU time of one call, the clients in turn within each round, so that a busy machine is busy for all of them.
// Run after `npm run build --workspace atoma-sdk`: npx node bench/sdk/overhead.mjs [rounds]
import { clients, median, startServer } from "./clients.mjs";

const rounds = Number(process.argv[2] ?? 150);
const server = await startServer();

for (const [name, path, calls] of [
  ["2 KB", "/small", 20],
  ["1.4 MB", "/large", 4],
]) {
  const ways = Object.entries(clients(server.url + path));
  const wall = new Map(ways.map(([way]) => [way, []]));
  const cpu = new Map(ways.map(([way]) => [way, []]));
  for (let round = -10; round < rounds; round++) {
    // In a new order each time: who comes next pays for the garbage of the one before.
    for (const [way, call] of shuffled(ways)) {
      const before = process.cpuUsage();
      for (let k = 0; k < calls; k++) {
        const start = performance.now();
        await call();
        if (round >= 0) wall.get(way).push(performance.now() - start);
      }
      const { user, system } = process.cpuUsage(before);
      if (round >= 0) cpu.get(way).push((user + system) / 1000 / calls);
    }
  }
  const raw = { wall: median(wall.get("raw fetch")), cpu: median(cpu.get("raw fetch")) };
  console.log(`\nanswer of ${name}, ${rounds * calls} calls each, p50 in ms`);
  for (const [way] of ways) {
    const [w, c] = [median(wall.get(way)), median(cpu.get(way))];
    const more = (value, base) => (value - base >= 0 ? "+" : "") + (value - base).toFixed(3);
    console.log(
      `${way.padEnd(20)} wall ${w.toFixed(3)} (${more(w, raw.wall)})   cpu ${c.toFixed(3)} (${more(c, raw.cpu)})`,
    );
  }
}
server.stop();

function shuffled(items) {
  return items
    .map((item) => [Math.random(), item])
    .sort(([a], [b]) => a - b)
    .map(([, item]) => item);
}
