import { Button, Group, Text } from "@mantine/core";
import type { Me } from "@/api/generated/types.gen";
import { signOut } from "../api/session";

/** Who is signed in, and the way out. */
export function AccountMenu({ user }: { user: Me }) {
  return (
    <Group gap="xs" wrap="nowrap">
      <Text size="sm" visibleFrom="xs">
        {user.name}
      </Text>
      <Button variant="default" size="compact-sm" onClick={() => void signOut()}>
        Sign out
      </Button>
    </Group>
  );
}
