// Writes src/api/openapi.ts: a TypeScript type for each schema of server/api/openapi.yaml, and the
// ranges of the settings as values, for their forms. A schema of a kind that is not known here
// stops the build.
import { readFile, writeFile } from "node:fs/promises";
import { parse } from "yaml";

const reference = "#/components/schemas/";
const with_ranges = ["CameraSettings", "DtuSettings"];

// What says nothing of the shape: any JSON.
const says_no_shape = (schema) =>
  Object.keys(schema).every((key) => ["description", "example", "default"].includes(key));

const property_name = (name) => (/^[A-Za-z_]\w*$/.test(name) ? name : JSON.stringify(name));

function object_type(schema) {
  const { properties, additionalProperties: other } = schema;
  if (properties === undefined)
    return `Record<string, ${typeof other === "object" ? type_of(other) : "unknown"}>`;
  const required = new Set(schema.required ?? []);
  const lines = Object.entries(properties).map(
    ([name, one]) => `${property_name(name)}${required.has(name) ? "" : "?"}: ${type_of(one)}`,
  );
  return `{ ${lines.join("; ")} }`;
}

function array_type(schema) {
  const item = type_of(schema.items);
  return schema.minItems === 2 && schema.maxItems === 2 ? `[${item}, ${item}]` : `(${item})[]`;
}

function single_type(type, schema) {
  switch (type) {
    case "string": return "string";
    case "integer":
    case "number": return "number";
    case "boolean": return "boolean";
    case "null": return "null";
    case "array": return array_type(schema);
    case "object": return object_type(schema);
    default: throw new Error(`openapi.yaml: what is ${JSON.stringify(schema)}?`);
  }
}

function type_of(schema) {
  if (schema.$ref !== undefined) {
    if (!schema.$ref.startsWith(reference)) throw new Error(`openapi.yaml: ${schema.$ref}?`);
    return schema.$ref.slice(reference.length);
  }
  if (schema.oneOf !== undefined) return schema.oneOf.map(type_of).join(" | ");
  if (schema.enum !== undefined) return schema.enum.map((one) => JSON.stringify(one)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  if (says_no_shape(schema)) return "unknown";
  return [schema.type].flat().map((type) => single_type(type, schema)).join(" | ");
}

export async function write_api_types(from, to) {
  const { components } = parse(await readFile(from, "utf8"));
  const types = Object.entries(components.schemas).map(
    ([name, schema]) => `export type ${name} = ${type_of(schema)};\n`,
  );
  const ranges = with_ranges.map((name) => {
    const values = Object.entries(components.schemas[name].properties).map(
      ([key, { minimum, maximum, default: initial }]) => ({ name: key, minimum, maximum, initial }),
    );
    return `export const ranges_of_${name} = ${JSON.stringify(values)};\n`;
  });
  const head = "// Made by api_types.mjs from openapi.yaml.\n";
  const text = [head, ...types, ...ranges].join("");
  // Not touched without need: its time tells tools/build_console whether to build.
  if ((await readFile(to, "utf8").catch(() => "")) !== text) await writeFile(to, text);
}
