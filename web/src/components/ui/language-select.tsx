import { Menu, UnstyledButton, VisuallyHidden } from "@mantine/core";
import { IconCheck, IconLanguage } from "@tabler/icons-react";
import { useTranslation } from "react-i18next";
import { isLanguage, LANGUAGES } from "@/lib/i18n/languages";
import { useLanguage } from "@/lib/i18n/use-language";
import classes from "./header-button.module.css";

/** Chooses the page's language. */
export function LanguageSelect() {
  const { t } = useTranslation();
  const [language, setLanguage] = useLanguage();
  return (
    <Menu position="bottom-end" withinPortal>
      <Menu.Target>
        <UnstyledButton className={classes.button}>
          <IconLanguage size={18} aria-hidden />
          <span className={classes.short}>{language.toUpperCase()}</span>
          <VisuallyHidden>
            {t(($) => $.language.label)}: {LANGUAGES[language]}
          </VisuallyHidden>
        </UnstyledButton>
      </Menu.Target>
      <Menu.Dropdown>
        {Object.entries(LANGUAGES).map(([code, name]) => (
          <Menu.Item
            key={code}
            lang={code}
            onClick={() => isLanguage(code) && setLanguage(code)}
            rightSection={code === language ? <IconCheck size={16} aria-hidden /> : null}
            aria-current={code === language}
          >
            {name}
          </Menu.Item>
        ))}
      </Menu.Dropdown>
    </Menu>
  );
}
