// The program images that may be sent to devices, and a new one from a file.
import { useState } from "preact/hooks";
import { add_image, list_images } from "../api/api";
import { Form, Waiting } from "../parts/form";
import { use_action, use_loaded, use_words } from "../parts/hooks";

const image_bytes_max = 2_097_296;

export function ImagesPage() {
  const words = use_words();
  const images = use_loaded(list_images, []);
  const [file, set_file] = useState<File | null>(null);
  const action = use_action();
  const too_large = file !== null && file.size > image_bytes_max;
  return (
    <>
      <h1>{words.say("nav_images")}</h1>
      <p class="facts">{words.say("images_about")}</p>
      {images.value === null ? (
        <Waiting error={images.error} />
      ) : images.value.length === 0 ? (
        <p class="notice">{words.say("no_images")}</p>
      ) : (
        <ul class="cards">
          {images.value.map((image) => (
            <li key={image.id} class="card">
              <h2>
                {words.choice("part", image.part)} · {image.board} · {image.version}
              </h2>
              <p class="facts">
                {words.say("image_facts", words.number(image.bytes / 1024),
                  words.time(image.created_ms))}
              </p>
              <p class="facts hash">SHA-256 {image.sha256}</p>
            </li>
          ))}
        </ul>
      )}
      <section class="card">
        <h2>{words.say("new_image")}</h2>
        <Form
          title={words.say("new_image")}
          submit={words.say("upload")}
          action={action}
          wrong={file === null || too_large}
          on_submit={() =>
            void action.run(async () => {
              await add_image(file!);
              images.reload();
            })
          }
        >
          <p class="field">
            <label for="image-file">{words.say("image_file")}</label>
            <input
              id="image-file"
              type="file"
              accept=".mli"
              onChange={(event) => set_file(event.currentTarget.files?.[0] ?? null)}
            />
            {too_large && <span class="wrong">{words.say("file_too_large", 2)}</span>}
          </p>
        </Form>
      </section>
    </>
  );
}
