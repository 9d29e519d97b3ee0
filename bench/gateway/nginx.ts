// nginx of Debian (`apt-get install nginx-light`) as a plain proxy of one worker.
import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { connect, createServer } from "node:net";
import { join } from "node:path";
import type { Server } from "./processes.ts";

const NGINX = "/usr/sbin/nginx";

async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => server.once("listening", resolve));
  const { port } = server.address() as { port: number }; // listening on TCP
  await new Promise((resolve) => server.close(resolve));
  return port;
}

const configuration = (port: number, target: string, folder: string) => `
daemon off; master_process off; pid ${folder}/nginx.pid; error_log ${folder}/error.log;
events { worker_connections 8192; }
http {
  access_log off; keepalive_requests 1000000; keepalive_timeout 600s;
  client_body_temp_path ${folder}/body; proxy_temp_path ${folder}/proxy; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  upstream node { server ${new URL(target).host}; keepalive 512; keepalive_requests 1000000; }
  server {
    listen 127.0.0.1:${port};
    location / { proxy_pass http://node; proxy_http_version 1.1; proxy_set_header Connection ""; }
  }
}`;

async function answers(port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    socket.once("connect", () => resolve(true)).once("error", () => resolve(false));
    socket.once("connect", () => socket.destroy());
  });
}

/** Undefined where nginx is not installed. */
export async function startNginx(target: string, folder: string, pin: readonly string[]): Promise<Server | undefined> {
  if (!existsSync(NGINX)) return undefined;
  await mkdir(folder, { recursive: true });
  const port = await freePort();
  const file = join(folder, "nginx.conf");
  await writeFile(file, configuration(port, target, folder));
  const [command = NGINX, ...args] = [...pin, NGINX, "-c", file];
  const child = spawn(command, args, { stdio: "inherit" });
  const { pid } = child;
  if (pid === undefined) throw new Error("nginx did not start");
  while (!(await answers(port))) await new Promise((resolve) => setTimeout(resolve, 20));
  return { child, pid, url: `http://127.0.0.1:${port}` };
}
