import { Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { Appearance } from "@/features/account/components/appearance";
import { DeliveriesSection } from "@/features/account/components/deliveries-section";
import { KeysSection } from "@/features/account/components/keys-section";
import { SecretSection } from "@/features/account/components/secret-section";
import { SessionSection } from "@/features/account/components/session-section";
import { signOutEverywhere, useSession } from "@/features/session/api/session";
import classes from "./account-page.module.css";

/** What is the reader's own: the session, keys, webhooks, how the page looks and speaks. */
export function AccountPage() {
  const { t } = useTranslation("account");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.title)} · ${tc(($) => $.app.name)}`);
  const user = useSession().data?.user;
  return (
    <Stack gap="lg" maw={1200} mx="auto">
      <Title order={1} size="h3">
        {t(($) => $.title)}
      </Title>
      <div className={classes.columns}>
        <div className={classes.column}>
          {user && <SessionSection user={user} onLeave={signOutEverywhere} />}
          <Appearance />
        </div>
        <div className={classes.column}>
          <KeysSection scopes={user?.scopes ?? []} />
          <SecretSection />
          <DeliveriesSection />
        </div>
      </div>
    </Stack>
  );
}
