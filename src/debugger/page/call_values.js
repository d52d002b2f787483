// What the fields of calls are filled with. The document's examples show the form of a value; here
// they become what can be sent: times of today, the optional fields empty (an unknown group would be an
// error), and the values known of the tab's product in place of example ids.

const DAY_MS = 86_400_000;

/** The example's moment moved to now: an `end…` is now, anything else a day before. */
function recent(name, example) {
  const at = new Date(Date.now() - (name.startsWith("end") ? 0 : DAY_MS));
  const local = new Date(at - at.getTimezoneOffset() * 60_000).toISOString();
  if (/^\d{13}$/.test(example)) return at.getTime();
  if (/^\d{10}$/.test(example)) return Math.floor(at.getTime() / 1000);
  if (/^\d{4}-\d\d-\d\d$/.test(example)) return local.slice(0, 10);
  if (/^\d{4}-\d\d$/.test(example)) return local.slice(0, 7);
  return example;
}

/** What is known of the tab's product under this name; undefined if nothing is. */
function knownValue(name, values) {
  if (Object.hasOwn(values, name)) return values[name];
  if (name === "dids" && values.did) return [values.did];
  if (name === "macs" && values.mac) return [values.mac];
  if (name === "parent_gid" && values.gid) return values.gid;
}

function valueOf(name, example, values) {
  return knownValue(name, values) ?? (/^(start|end)/.test(name) ? recent(name, example) : example);
}

/** An optional field stays empty, with example and default beside it; that of the product is filled once it
 * is known. */
function fillParameter(parameter, values, words) {
  const example = valueOf(parameter.name, parameter.example, values);
  const { default: standard } = parameter.schema;
  const filled = parameter.required || (parameter.name === "product_key" && Object.hasOwn(values, "product_key"));
  const beside = [`${words.example} \`${example}\``];

  if (filled) {
    parameter.example = example;
  } else {
    if (standard !== undefined)
      beside.push(`${words.standard} \`${standard}\``);
    delete parameter.example;
    delete parameter.schema.default;
  }
  parameter.description += ` (${beside.join(", ")})`;
}

/** Of a body where nothing is required by itself (control: one or the other), the example stays. */
function fillBody({ required: needed, content }, values) {
  const body = content["application/json"], required = body.schema.required ?? [];
  const anyOf = needed && required.length === 0;

  body.example = Object.fromEntries(Object.entries(body.example)
    .filter(([name]) => anyOf || required.includes(name) || knownValue(name, values) !== undefined)
    .map(([name, example]) => [name, valueOf(name, example, values)]));
}

/** A call that counts by days if nothing else is said gets days. */
function countsByDay({ parameters }) {
  return parameters.some(({ name, required, schema }) => name === "cycle" && !required && schema.default === "date");
}

/** Changes the document's examples in place. values.calls, by a call's id, goes before the values of all. */
export function fillCalls(spec, all, words) {
  for (const path of Object.values(spec.paths)) {
    for (const call of Object.values(path)) {
      const values = { ...all, ...all.calls?.[call.operationId] };
      const byDay = countsByDay(call);
      for (const parameter of call.parameters) {
        if (byDay && /^\d{4}-\d\d$/.test(parameter.example))
          parameter.example += "-01";
        fillParameter(parameter, values, words);
      }
      if (call.requestBody)
        fillBody(call.requestBody, values);
    }
  }
}
