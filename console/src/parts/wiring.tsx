// How a USB adapter is wired to an ESP32-CAM for flashing.
import { use_words } from "./hooks";

const lines = [
  { y: 70, left: "5V", right: "5V", kind: "power" },
  { y: 105, left: "GND", right: "GND", kind: "ground" },
  { y: 140, left: "TXD", right: "U0R (GPIO3)", kind: "data" },
  { y: 175, left: "RXD", right: "U0T (GPIO1)", kind: "data" },
];

export function Wiring() {
  const words = use_words();
  return (
    <svg class="wiring" viewBox="0 0 560 270" role="img" aria-label={words.say("wiring_alt")}>
      <rect class="board" x="20" y="30" width="150" height="170" rx="10" />
      <text class="name" x="95" y="22">{words.say("usb_adapter")}</text>
      <rect class="board" x="360" y="30" width="180" height="220" rx="10" />
      <text class="name" x="450" y="22">ESP32-CAM</text>
      <circle class="lens" cx="450" cy="52" r="11" />
      {lines.map(({ y, left, right, kind }) => (
        <g key={left} class={kind}>
          <path d={`M162 ${y} C 230 ${y}, 300 ${y}, 368 ${y}`} />
          <circle cx="162" cy={y} r="5" />
          <circle cx="368" cy={y} r="5" />
          <text class="pin left" x="148" y={y + 5}>{left}</text>
          <text class="pin" x="382" y={y + 5}>{right}</text>
        </g>
      ))}
      <g class="jumper">
        <path d="M368 210 C 310 210, 310 238, 368 238" />
        <circle cx="368" cy="210" r="5" />
        <circle cx="368" cy="238" r="5" />
        <text class="pin" x="382" y="215">IO0</text>
        <text class="pin" x="382" y="243">GND</text>
        <text class="note" x="300" y="230">{words.say("while_flashing")}</text>
      </g>
    </svg>
  );
}
