import { Button, Group, Slider, Text } from "@mantine/core";
import { useTranslation } from "react-i18next";
import type { ModelCard } from "@/api/generated/types.gen";
import { defaultScore, LEAST_SCORE } from "@/api/models";
import { useFormat } from "@/lib/format/use-format";

interface ScoreSliderProps {
  score: number;
  isDefault: boolean;
  card: ModelCard | undefined;
  /** Null goes back to the card's default. */
  onScore: (score: number | null) => void;
}

/** The least score of what is shown. */
export function ScoreSlider({ score, isDefault, card, onScore }: ScoreSliderProps) {
  const { t } = useTranslation("viewer");
  const format = useFormat();
  const initial = defaultScore(card);
  return (
    <div>
      <Group justify="space-between" mb={6} h={24}>
        <Text size="sm" fw={500} id="score-label">
          {t(($) => $.score.label)}
        </Text>
        <Group gap="xs">
          {!isDefault && (
            <Button size="compact-xs" variant="subtle" onClick={() => onScore(null)}>
              {t(($) => $.score.reset, { score: format.score(initial) })}
            </Button>
          )}
          <Text size="sm" className="tabular">
            {format.score(score)}
          </Text>
        </Group>
      </Group>
      <Slider
        min={LEAST_SCORE}
        max={1}
        step={0.01}
        value={score}
        onChange={onScore}
        label={null}
        marks={[{ value: initial }]}
        thumbProps={{ "aria-labelledby": "score-label", "aria-valuetext": format.score(score) }}
      />
    </div>
  );
}
