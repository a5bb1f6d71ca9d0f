import { useElementSize } from "@mantine/hooks";
import { type ReactNode, type Ref, useState } from "react";
import { useTranslation } from "react-i18next";
import {
  type ReactZoomPanPinchRef,
  TransformComponent,
  TransformWrapper,
} from "react-zoom-pan-pinch";
import type { Prediction } from "@/api/generated/types.gen";
import { fitted, type Size } from "../lib/fit";
import classes from "./stage.module.css";
import { StagePicture } from "./stage-picture";
import { ZoomBar } from "./zoom-bar";
import { zoomKeys } from "./zoom-keys";

interface StageProps {
  prediction: Prediction;
  /** The picture as this page has it already, if it has. */
  file: File | undefined;
  /** What lies on the picture, given its size on the screen and how much that is enlarged. */
  children: (width: number, zoom: number) => ReactNode;
  /** What stands beside the zoom buttons. */
  tools?: ReactNode;
  /** Told how the picture is moved and enlarged, so that another can follow. */
  onMove?: ((move: Move) => void) | undefined;
  zoomRef: Ref<ReactZoomPanPinchRef>;
}

/** How a picture is moved and enlarged; the offset in shares of the stage's width. */
export interface Move {
  zoom: number;
  x: number;
  y: number;
}

const MOST_ZOOM = 12;
const FILLING = { width: "100%", height: "100%", touchAction: "inherit" };

/** A picture that can be enlarged and moved, with wheel, fingers, buttons or keys. */
export function Stage({ prediction, file, children, tools, onMove, zoomRef }: StageProps) {
  const { t } = useTranslation("viewer");
  const { ref, width, height } = useElementSize();
  const [zoom, setZoom] = useState(1);
  const natural: Size = {
    width: prediction.input.width ?? 4,
    height: prediction.input.height ?? 3,
  };
  const size = fitted(natural, { width: Math.max(width, 1), height: Math.max(height, 1) });
  const whole = natural.width / size.width;
  return (
    <div className={classes.frame}>
      <div ref={ref} className={classes.room}>
        {width > 0 && (
          <TransformWrapper
            ref={zoomRef}
            minScale={1}
            maxScale={Math.max(MOST_ZOOM, whole * 2)}
            centerOnInit
            centerZoomedOut
            smooth={false}
            wheel={{ step: 0.15 }}
            panning={{ disabled: zoom <= 1.001, velocityDisabled: true }}
            doubleClick={{ mode: "toggle", step: 1 }}
            onTransform={(_, { scale, positionX, positionY }) => {
              setZoom(scale);
              onMove?.({ zoom: scale, x: positionX / width, y: positionY / width });
            }}
          >
            {(controls) => (
              <>
                {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for forms */}
                <div
                  role="group"
                  className={classes.stage}
                  data-zoomed={zoom > 1.001}
                  aria-label={t(($) => $.stage.label)}
                  onKeyDown={zoomKeys(controls, whole)}
                  // biome-ignore lint/a11y/noNoninteractiveTabindex: keys enlarge and move the picture
                  tabIndex={0}
                >
                  <TransformComponent wrapperStyle={FILLING}>
                    <div className={classes.content} style={{ ...size }}>
                      <StagePicture
                        prediction={prediction}
                        file={file}
                        pixels={Math.max(size.width, size.height) * zoom}
                      />
                      {children(size.width, zoom)}
                    </div>
                  </TransformComponent>
                </div>
                <ZoomBar zoom={zoom / whole} controls={controls} whole={whole}>
                  {tools}
                </ZoomBar>
              </>
            )}
          </TransformWrapper>
        )}
      </div>
    </div>
  );
}
