// A button that takes something away: it asks once more before it does.
import { useState } from "preact/hooks";

export function Sure(props: { say: string; sure: string; act: () => void }) {
  const [sure, set_sure] = useState(false);
  return (
    <button
      type="button"
      class="danger"
      onBlur={() => set_sure(false)}
      onClick={() => {
        if (sure) props.act();
        set_sure(!sure);
      }}
    >
      {sure ? props.sure : props.say}
    </button>
  );
}
