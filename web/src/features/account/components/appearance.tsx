import { SegmentedControl, Stack, Text, useMantineColorScheme } from "@mantine/core";
import { useTranslation } from "react-i18next";
import { isLanguage, LANGUAGES } from "@/lib/i18n/languages";
import { useLanguage } from "@/lib/i18n/use-language";
import { Section } from "./section";

const SCHEMES = ["light", "dark", "auto"] as const;

/** The language and the theme of the page, on this device. */
export function Appearance() {
  const { t } = useTranslation("account");
  const { t: tc } = useTranslation();
  const [language, setLanguage] = useLanguage();
  const { colorScheme, setColorScheme } = useMantineColorScheme();
  return (
    <Section title={t(($) => $.appearance)}>
      <Stack gap="md" align="flex-start">
        <div>
          <Text size="sm" fw={500} mb={4} id="language-label">
            {tc(($) => $.language.label)}
          </Text>
          <SegmentedControl
            aria-labelledby="language-label"
            data={Object.entries(LANGUAGES).map(([value, label]) => ({ value, label }))}
            value={language}
            onChange={(chosen) => isLanguage(chosen) && setLanguage(chosen)}
          />
        </div>
        <div>
          <Text size="sm" fw={500} mb={4} id="theme-label">
            {tc(($) => $.theme.label)}
          </Text>
          <SegmentedControl
            aria-labelledby="theme-label"
            data={SCHEMES.map((scheme) => ({ value: scheme, label: tc(($) => $.theme[scheme]) }))}
            value={colorScheme}
            onChange={(chosen) => setColorScheme(chosen as (typeof SCHEMES)[number])}
          />
        </div>
      </Stack>
    </Section>
  );
}
