import { AdminError } from "../admin-api.ts";
import { activityPath, type Group, type Range } from "../queries.ts";

/** Saves the figures of a range as CSV. Throws AdminError. */
export async function downloadActivity(range: Range, group: Group): Promise<void> {
  const answer = await fetch(`/admin/v1${activityPath(range, group)}`, { headers: { accept: "text/csv" } });
  if (!answer.ok) throw new AdminError(answer.status, `HTTP ${answer.status}`, undefined);
  const url = URL.createObjectURL(await answer.blob());
  const link = document.createElement("a");
  link.href = url;
  link.download = `atoma-${range}-${group}.csv`;
  link.click();
  URL.revokeObjectURL(url);
}
