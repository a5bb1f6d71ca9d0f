import { Button, Group, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { Me } from "@/api/generated/types.gen";
import { signOut } from "../api/session";

/** Who is signed in, and the way out. */
export function AccountMenu({ user }: { user: Me }) {
  const { t } = useTranslation("session");
  return (
    <Group gap="xs" wrap="nowrap" ml={6}>
      <Text size="sm" visibleFrom="md">
        {user.name}
      </Text>
      <Button variant="default" size="compact-sm" onClick={() => void signOut()}>
        {t(($) => $.signOut)}
      </Button>
    </Group>
  );
}
