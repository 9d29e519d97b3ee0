import type { GenerationEvent } from "@atoma/contract";
import { toModelObject } from "@atoma/contract";
import { Encoder } from "cbor-x";
import { Dispatcher } from "undici";
import type { Clock } from "../../src/clock.ts";
import { create } from "./edits.ts";
import { card } from "./scripted-node.ts";

const encoder = new Encoder({ useRecords: false, tagUint8Array: false });
const PICTURE = await create(64, 64).png().toBuffer();
const WRONG = await create(32, 32).png().toBuffer();
const MODELS = JSON.stringify({ object: "list", data: [toModelObject(card)] });

/** What became of one generation at a node. */
interface Generation {
  readonly id: string;
  readonly n: number;
  state: "running" | "done" | "cancelled" | "forgotten";
}

/** What a node does with one request. */
export type Conduct =
  | "makes"
  | "refuses"
  | "is busy"
  | "fails"
  | "lies about the size"
  | "makes too few"
  | "sends garbage"
  | "breaks off"
  | "hangs";

export interface SimulatedNode extends Dispatcher {
  /** Whether anything answers at its address. */
  up: boolean;
  /** Whether it says that it is ready. */
  ready: boolean;
  /** The most that it was asked for at a time. */
  readonly most: number;
  /** Ids of requests that it has begun. */
  readonly begun: readonly string[];
  /** It dies: what runs is gone, and forgotten. */
  crash(): void;
}

interface Options {
  readonly clock: Clock;
  readonly random: () => number;
  readonly conduct: () => Conduct;
}

const failure = (code: string) => Object.assign(new Error(code), { code });

/** A node of our own kind as a dispatcher of undici, in the time of a clock that is turned by hand; no sockets. */
export function simulatedNode({ clock, random, conduct }: Options): SimulatedNode {
  const generations = new Map<string, Generation>();
  const begun: string[] = [];
  /** Ends what is under way, as a connection that breaks does. */
  const connections = new Set<() => void>();
  /** Generations whose answer is not there yet. */
  let open = 0;
  let most = 0;

  function end(generation: Generation, state: Generation["state"]): void {
    if (generation.state !== "running") return;
    generation.state = state;
  }

  class Node extends Dispatcher {
    up = true;
    ready = true;
    get most() {
      return most;
    }
    get begun() {
      return begun;
    }
    crash() {
      for (const generation of generations.values()) end(generation, "forgotten");
      generations.clear();
      for (const cut of [...connections]) cut();
    }
    override async close() {}
    override async destroy() {}

    override dispatch(
      { method, path, headers, body }: Dispatcher.DispatchOptions,
      handler: Dispatcher.DispatchHandler,
    ): boolean {
      let over = false;
      const generates = method === "POST";
      const later: object[] = [];
      const fail = (error: Error) => {
        if (over) return;
        over = true;
        if (generates) open--;
        connections.delete(cut);
        for (const timer of later) clock.clearTimeout(timer);
        handler.onResponseError?.(controller, error);
      };
      let onAbort: (() => void) | undefined;
      const controller = {
        aborted: false,
        paused: false,
        reason: null as Error | null,
        rawHeaders: null,
        rawTrailers: null,
        abort(reason: Error) {
          if (over) return;
          controller.aborted = true;
          onAbort?.();
          fail(reason);
        },
        pause() {
          controller.paused = true;
        },
        resume() {
          controller.paused = false;
        },
      };
      const cut = () => fail(failure("ECONNRESET"));
      const after = (ms: number, act: () => void) => later.push(clock.setTimeout(() => !over && act(), ms));
      const answer = (status: number, text: string, more: Record<string, string> = {}) => {
        handler.onResponseStart?.(controller, status, more, "");
        if (!over && text !== "") handler.onResponseData?.(controller, Buffer.from(text));
        if (!over) finish();
      };
      const finish = () => {
        over = true;
        if (generates) open--;
        connections.delete(cut);
        handler.onResponseEnd?.(controller, {});
      };
      const send = (event: GenerationEvent) => handler.onResponseData?.(controller, encoder.encode(event));
      const image = (index: number, bytes = PICTURE) =>
        send({ type: "image", index, bytes, seed: index, width: 64, height: 64, format: "png" });

      const deliver = (generation: Generation, pictures = generation.n, bytes = PICTURE) => {
        end(generation, "done");
        handler.onResponseStart?.(controller, 200, {}, "");
        for (let i = 0; i < pictures && !over; i++) image(i, bytes);
        if (!over) send({ type: "done", usage: undefined });
        if (!over) finish();
      };

      const generate = (id: string, n: number) => {
        const how = conduct();
        if (how === "is busy") return answer(503, "{}", { "retry-after-ms": String(Math.ceil(random() * 900)) });
        if (how === "refuses") return answer(400, '{"error":{"message":"no","code":"invalid_value"}}');
        const generation: Generation = { id, n, state: "running" };
        generations.set(id, generation);
        begun.push(id);
        after(50 + random() * 3_000, () => {
          if (generation.state !== "running") return;
          switch (how) {
            case "fails":
              end(generation, "done");
              return answer(500, "{}");
            case "lies about the size":
              return deliver(generation, n, WRONG);
            case "makes too few":
              return deliver(generation, n - 1);
            case "sends garbage":
              end(generation, "done");
              handler.onResponseStart?.(controller, 200, {}, "");
              handler.onResponseData?.(controller, Buffer.from("no cbor"));
              return undefined;
            case "breaks off":
              handler.onResponseStart?.(controller, 200, {}, "");
              if (n > 1 && !over) image(0);
              end(generation, "done");
              return cut();
            case "hangs":
              return undefined;
            default:
              return deliver(generation);
          }
        });
      };

      if (generates) most = Math.max(most, ++open);
      handler.onRequestStart?.(controller, {});
      connections.add(cut);
      if (over) return true;
      const id = decodeURIComponent(path.split("/").at(-1) ?? "");
      after(1 + random() * 5, () => {
        if (!this.up) return fail(failure("ECONNREFUSED"));
        if (path === "/v1/models") return answer(200, MODELS);
        if (path === "/readyz") return answer(this.ready ? 200 : 503, "{}");
        if (path === "/v1/load") return answer(404, "");
        if (method === "DELETE") {
          const generation = generations.get(id);
          if (generation) end(generation, "cancelled");
          // It promises never to begin it.
          else generations.set(id, { id, n: 0, state: "cancelled" });
          return answer(204, "");
        }
        if (method === "GET") {
          const generation = generations.get(id);
          if (!generation) return answer(404, '{"error":{"message":"unknown"}}');
          if (generation.state === "done") return deliver(generation);
          return answer(410, '{"error":{"message":"gone"}}');
        }
        const sent = headers as Record<string, string>;
        if (!this.ready) return answer(503, "{}", { "retry-after-ms": "500" });
        return generate(sent["x-request-id"] ?? "", JSON.parse(String(body)).n);
      });
      return true;
    }
  }
  return new Node();
}
