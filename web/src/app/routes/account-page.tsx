import { Stack, Title } from "@mantine/core";
import { useDocumentTitle } from "@mantine/hooks";
import { useTranslation } from "react-i18next";
import { Appearance } from "@/features/account/components/appearance";

/** What is the reader's own: how the page looks and speaks. */
export function AccountPage() {
  const { t } = useTranslation("account");
  const { t: tc } = useTranslation();
  useDocumentTitle(`${t(($) => $.title)} · ${tc(($) => $.app.name)}`);
  return (
    <Stack gap="lg" maw={760} mx="auto">
      <Title order={1} size="h3">
        {t(($) => $.title)}
      </Title>
      <Appearance />
    </Stack>
  );
}
