// Writes files to the flash of an ESP32 over Web Serial. Loaded only when somebody flashes.
import { ESPLoader, Transport } from "esptool-js";
import { ApiError } from "./api/http";

const baud = 460_800;
const first_baud = 115_200;

export interface FlashOrder {
  files: { file: File; address: number }[];
  erase: boolean;
  say: (text: string) => void; // what the tool tells, as it comes
  chip: (name: string) => void;
  progress: (share: number) => void; // of all bytes, 0 to 1
}

interface SerialDoor {
  requestPort(): Promise<ConstructorParameters<typeof Transport>[0]>;
}

async function binary_text(file: File): Promise<string> {
  const bytes = new Uint8Array(await file.arrayBuffer());
  let text = "";
  for (let at = 0; at < bytes.length; at += 8_192)
    text += String.fromCharCode(...bytes.subarray(at, at + 8_192));
  return text;
}

// Throws ApiError "flash_failed" with what the tool said.
export async function flash_files(order: FlashOrder): Promise<void> {
  const { serial } = navigator as unknown as { serial: SerialDoor };
  let transport: Transport | undefined;
  try {
    transport = new Transport(await serial.requestPort(), false);
    const loader = new ESPLoader({
      transport,
      baudrate: baud,
      romBaudrate: first_baud,
      terminal: {
        clean: () => undefined,
        write: (text) => order.say(text),
        writeLine: (text) => order.say(`${text}\n`),
      },
    });
    order.chip(await loader.main());
    const sizes = order.files.map(({ file }) => file.size);
    const all = sizes.reduce((sum, size) => sum + size, 0);
    const before = (index: number): number =>
      sizes.slice(0, index).reduce((sum, size) => sum + size, 0);
    await loader.writeFlash({
      fileArray: await Promise.all(
        order.files.map(async ({ file, address }) => ({ data: await binary_text(file), address })),
      ),
      flashSize: "keep",
      flashMode: "keep",
      flashFreq: "keep",
      eraseAll: order.erase,
      compress: true,
      reportProgress: (index, written, total) =>
        order.progress((before(index) + (written / total) * (sizes[index] ?? 0)) / all),
    });
    await loader.after("hard_reset");
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    throw new ApiError("flash_failed", message, 0);
  } finally {
    await transport?.disconnect().catch(() => undefined);
  }
}
