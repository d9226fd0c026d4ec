// Reads a device's name from the code on its label, where the browser can.
import { useEffect, useRef, useState } from "preact/hooks";
import { use_words } from "./hooks";

interface Detector {
  detect(source: HTMLVideoElement): Promise<{ rawValue: string }[]>;
}
type DetectorClass = new (options: { formats: string[] }) => Detector;

const formats = ["qr_code", "code_128", "code_39", "data_matrix"];
const look_ms = 250;

function detector_class(): DetectorClass | undefined {
  return (globalThis as { BarcodeDetector?: DetectorClass }).BarcodeDetector;
}

export function Scanner({ found }: { found: (text: string) => void }) {
  const words = use_words();
  const [on, set_on] = useState(false);
  const [failed, set_failed] = useState(false);
  const video = useRef<HTMLVideoElement>(null);
  useEffect(() => {
    const Class = detector_class();
    if (!on || Class === undefined) return;
    let stream: MediaStream | undefined;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let wanted = true;
    const detector = new Class({ formats });
    const look = async (): Promise<void> => {
      if (!wanted || video.current === null) return;
      const [code] = await detector.detect(video.current).catch(() => []);
      if (code !== undefined) {
        found(code.rawValue);
        set_on(false);
      } else timer = setTimeout(() => void look(), look_ms);
    };
    navigator.mediaDevices
      .getUserMedia({ video: { facingMode: "environment" } })
      .then(async (opened) => {
        stream = opened;
        if (!wanted || video.current === null) return opened.getTracks().forEach((t) => t.stop());
        video.current.srcObject = opened;
        await video.current.play();
        await look();
      })
      .catch(() => {
        set_failed(true);
        set_on(false);
      });
    return () => {
      wanted = false;
      clearTimeout(timer);
      stream?.getTracks().forEach((track) => track.stop());
    };
  }, [on]);
  if (detector_class() === undefined || navigator.mediaDevices === undefined) return null;
  return (
    <div class="scanner">
      <button type="button" onClick={() => set_on(!on)}>
        {words.say(on ? "stop" : "scan")}
      </button>
      {failed && <span class="wrong">{words.say("scan_failed")}</span>}
      {on && <video ref={video} muted playsInline aria-label={words.say("scan")} />}
    </div>
  );
}
