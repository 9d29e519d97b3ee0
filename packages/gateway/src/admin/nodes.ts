import { adminSchemas, CapabilitiesError, DIALECT_NAMES, errors } from "@atoma/contract";
import { LedgerInputError, type NodeEntry } from "@atoma/ledger";
import type { FastifyInstance, FastifyRequest } from "fastify";
import type { Context } from "../context.ts";
import { onlyFieldsOf, requiredOrigin, requiredText, text, whole } from "../http/body-fields.ts";
import { readForeignModels } from "../nodes/describe-model.ts";
import type { NodeStatus } from "../nodes/registry.ts";
import { dialectNamed } from "../nodes/shared-nodes.ts";

const BY = { actor: "admin api" };
/** As the ledger has it. */
const MAX_CONCURRENT = 10_000;

type WithName = { Params: { name: string } };
type Body = Record<string, unknown>;

/** What the admin API shows of a node: never its token. */
function toWire(entry: NodeEntry | undefined, status: NodeStatus | undefined, name: string) {
  return {
    name,
    url: status?.origin ?? entry?.url ?? null,
    dialect: status?.dialect ?? entry?.dialect ?? null,
    source: entry === undefined || (entry.url === null && !entry.joins) ? "configuration" : "ledger",
    joins: entry?.joins ?? false,
    draining: entry?.draining ?? false,
    leaving: entry?.leaving ?? false,
    expires_at: entry?.expiresAt ?? null,
    ready: status?.ready ?? false,
    reason: status?.reason ?? null,
    circuit: status?.circuit ?? "closed",
    opens_in_ms: status?.opensInMs ?? null,
    in_flight: status?.inFlight ?? 0,
    max_concurrent: status?.maxConcurrent ?? entry?.maxConcurrent ?? null,
    models: status?.models ?? [],
  };
}

function modelsOf(body: Body, dialect: NonNullable<ReturnType<typeof dialectNamed>>): string | undefined {
  try {
    readForeignModels(body.models, dialect);
  } catch (error) {
    if (error instanceof CapabilitiesError) throw errors.conflict("models", `Invalid ${error.message}.`);
    throw error;
  }
  return body.models === undefined ? undefined : JSON.stringify(body.models);
}

/** `/admin/v1/nodes`: those of the configuration and those that all gateways share. */
export function adminNodes(
  admin: FastifyInstance,
  { ledger, registry, configuredNodes, refreshNodes }: Context,
  bodyOf: (request: FastifyRequest) => Promise<Body>,
): void {
  const { nodes } = ledger;

  async function show(name: string) {
    const entry = (await nodes.list()).find((node) => node.name === name);
    const status = registry.status().find((node) => node.name === name);
    if (!entry && !status) throw errors.noNode(name);
    return toWire(entry, status, name);
  }

  /** Throws LedgerInputError for the name of a node in the configuration: one of the ledger would never be asked. */
  function requireFree(name: string): void {
    if (configuredNodes.has(name))
      throw new LedgerInputError("node_exists", `there is a node ${name} in the configuration`);
  }

  admin.get("/nodes", async () => {
    const entries = new Map((await nodes.list()).map((entry) => [entry.name, entry]));
    const known = new Map(registry.status().map((status) => [status.name, status]));
    const names = [...new Set([...known.keys(), ...entries.keys()])].sort();
    return { data: names.map((name) => toWire(entries.get(name), known.get(name), name)), waiting: registry.waiting() };
  });

  admin.post("/nodes", async (request, reply) => {
    const body = await bodyOf(request);
    onlyFieldsOf(body, adminSchemas.NewNode);
    const name = requiredText(body, "name");
    reply.code(201);
    if (body.joins === true) {
      onlyFieldsOf(body, adminSchemas.NewJoiningNode);
      requireFree(name);
      const { token } = await nodes.expect(name, BY);
      return { join_token: token, ...(await show(name)) };
    }
    const dialect = dialectNamed(text(body, "dialect") ?? "atoma");
    if (!dialect) throw errors.invalidValue("dialect", String(body.dialect), DIALECT_NAMES);
    const node = {
      name,
      url: requiredOrigin(body, "url"),
      dialect,
      token: text(body, "token"),
      models: modelsOf(body, dialect),
      maxConcurrent: whole(body, "max_concurrent", 1, MAX_CONCURRENT),
    };
    requireFree(name);
    await nodes.add(node, BY);
    await refreshNodes();
    return show(name);
  });

  for (const [action, draining] of [["drain", true] as const, ["resume", false] as const]) {
    admin.post<WithName>(`/nodes/:name/${action}`, async ({ params: { name } }) => {
      await show(name);
      await nodes.setDraining(name, draining, BY);
      await refreshNodes();
      return show(name);
    });
  }

  admin.delete<WithName>("/nodes/:name", async ({ params: { name } }, reply) => {
    await nodes.remove(name, BY);
    await refreshNodes();
    return reply.code(204).send();
  });
}
