import type { Limits, ModelCard, Problem } from "@/api/generated/types.gen";
import { localProblem } from "@/api/http";

/** What the server would refuse of a file, as far as its size and type and the kind of input that is asked for tell; it looks at the content itself. */
export function checkFile(
  file: Pick<File, "size" | "type" | "name">,
  limits: Limits | undefined,
  kind: ModelCard["input_kind"] = "image",
): Problem | null {
  if (file.size === 0) {
    return localProblem("empty_upload", `${file.name} has no bytes.`);
  }
  if (!limits) {
    return null;
  }
  if (file.size > limits.max_upload_bytes) {
    return localProblem(
      "upload_too_large",
      `${file.name} has ${file.size} bytes; at most ${limits.max_upload_bytes} are taken.`,
    );
  }
  // Browsers know many formats by their names only, and HEIC often not at all: what has no type may be one.
  if (kind === "image" && file.type && !isImage(file.type)) {
    return localProblem("not_an_image", `${file.name} is ${file.type}.`);
  }
  return null;
}

function isImage(type: string): boolean {
  return type.startsWith("image/") || type === "application/octet-stream";
}
