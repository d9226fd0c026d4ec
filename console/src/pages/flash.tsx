// Puts a first program on an ESP32-CAM over USB, from the browser or by command line.
import { useRef, useState } from "preact/hooks";
import { Field } from "../parts/form";
import { use_action, use_words } from "../parts/hooks";
import { Outcome } from "../parts/form";
import { Wiring } from "../parts/wiring";

interface FlashFile {
  file: File;
  offset: string;
}

// Where the files of a build go; by their names, as ESP-IDF gives them.
export function offset_of(name: string): string {
  if (/bootloader/i.test(name)) return "0x1000";
  if (/partition/i.test(name)) return "0x8000";
  if (/ota_data/i.test(name)) return "0xe000";
  if (/merged|factory/i.test(name)) return "0x0";
  return "0x10000";
}

export function is_offset(text: string): boolean {
  return /^0x[0-9a-f]{1,7}$/i.test(text.trim()) && Number(text) % 0x1000 === 0;
}

const has_serial = (): boolean => "serial" in navigator;
const command_line = `esptool.py --port /dev/ttyUSB0 erase_flash
esptool.py --chip esp32 --port /dev/ttyUSB0 --baud 460800 write_flash -z \\
  0x1000 bootloader.bin 0x8000 partition-table.bin \\
  0xe000 ota_data_initial.bin 0x10000 meterlens_esp32cam.bin`;

function Files(props: { files: FlashFile[]; change: (files: FlashFile[]) => void }) {
  const words = use_words();
  const { files, change } = props;
  return (
    <>
      <p class="field">
        <label for="flash-files">{words.say("flash_files")}</label>
        <input
          id="flash-files"
          type="file"
          accept=".bin"
          multiple
          onChange={(event) =>
            change([...(event.currentTarget.files ?? [])].map((file) => ({
              file,
              offset: offset_of(file.name),
            })))
          }
        />
      </p>
      {files.map(({ file, offset }, index) => (
        <Field
          key={file.name}
          label={words.say("flash_offset", file.name, Math.ceil(file.size / 1024))}
          value={offset}
          on_change={(text) =>
            change(files.map((one, at) => (at === index ? { ...one, offset: text } : one)))
          }
          wrong={is_offset(offset) ? null : words.say("offset_wanted")}
        />
      ))}
    </>
  );
}

function Flasher() {
  const words = use_words();
  const action = use_action();
  const [files, set_files] = useState<FlashFile[]>([]);
  const [erase, set_erase] = useState(true);
  const [share, set_share] = useState(0);
  const [chip, set_chip] = useState("");
  const log = useRef<HTMLPreElement>(null);
  const wrong = files.length === 0 || files.some(({ offset }) => !is_offset(offset));

  const say = (text: string): void => {
    if (log.current === null) return;
    log.current.textContent = `${log.current.textContent ?? ""}${text}`.slice(-8_000);
    log.current.scrollTop = log.current.scrollHeight;
  };

  async function flash(): Promise<void> {
    const { flash_files } = await import("../flasher");
    set_share(0);
    await flash_files({
      files: files.map(({ file, offset }) => ({ file, address: Number(offset) })),
      erase,
      say,
      chip: set_chip,
      progress: set_share,
    });
  }

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (!wrong) void action.run(flash);
      }}
    >
      <Files files={files} change={set_files} />
      <p>
        <label>
          <input
            type="checkbox"
            checked={erase}
            onChange={(event) => set_erase(event.currentTarget.checked)}
          />{" "}
          {words.say("flash_erase")}
        </label>
      </p>
      <p class="send">
        <button class="main" aria-disabled={wrong || action.busy}>
          {words.say(action.busy ? "working" : "flash_now")}
        </button>
        <Outcome action={action} done={words.say("flash_done")} />
      </p>
      {action.busy && (
        <p>
          {chip} <progress aria-label={words.say("working")} max={1} value={share} />
        </p>
      )}
      <pre class="log" ref={log} tabIndex={0} role="log" aria-label={words.say("flash_log")} />
    </form>
  );
}

export function FlashPage() {
  const words = use_words();
  return (
    <>
      <h1>{words.say("nav_flash")}</h1>
      <section class="card">
        <h2>{words.say("wiring")}</h2>
        <Wiring />
        <ol>
          <li>{words.say("flash_step_wire")}</li>
          <li>{words.say("flash_step_reset")}</li>
          <li>{words.say("flash_step_files")}</li>
          <li>{words.say("flash_step_after")}</li>
        </ol>
      </section>
      <section class="card">
        <h2>{words.say("flash_from_here")}</h2>
        {has_serial() ? <Flasher /> : <p class="notice">{words.say("flash_no_serial")}</p>}
      </section>
      <section class="card">
        <h2>{words.say("flash_by_command")}</h2>
        <p class="facts">{words.say("flash_by_command_about")}</p>
        <pre tabIndex={0}>
          <code>{command_line}</code>
        </pre>
      </section>
    </>
  );
}
