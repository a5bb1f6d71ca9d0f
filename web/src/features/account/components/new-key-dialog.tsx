import { useMutation, useQueryClient } from "@tanstack/react-query";
import { useTranslation } from "react-i18next";
import { authCreateKey } from "@/api/generated/sdk.gen";
import type { KeyWish, Scope } from "@/api/generated/types.gen";
import { answer, problemOf } from "@/api/http";
import { Dialog } from "@/components/ui/dialog";
import { keysOptions } from "../api/keys";
import { KeyForm } from "./key-form";
import { ShownKey } from "./shown-key";

interface NewKeyDialogProps {
  scopes: readonly Scope[];
  opened: boolean;
  onClose: () => void;
}

/** Asks what a new key is to be, and then shows it, once. */
export function NewKeyDialog({ scopes, opened, onClose }: NewKeyDialogProps) {
  const { t } = useTranslation("account");
  const client = useQueryClient();
  const create = useMutation({
    mutationFn: (body: KeyWish) => answer(authCreateKey({ body })),
    onSuccess: () => client.invalidateQueries(keysOptions),
    // The key is not to stay in the memory of the page.
    gcTime: 0,
  });
  const made = create.data;
  return (
    <Dialog
      opened={opened}
      onClose={onClose}
      onClosed={create.reset}
      title={made ? t(($) => $.made.title) : t(($) => $.keys.new)}
      // A key that was not copied yet must not be lost by a slip.
      closable={!made}
    >
      {made ? (
        <ShownKey made={made} onDone={onClose} />
      ) : (
        <KeyForm
          scopes={scopes}
          busy={create.isPending}
          problem={create.error && problemOf(create.error)}
          onSubmit={create.mutate}
        />
      )}
    </Dialog>
  );
}
