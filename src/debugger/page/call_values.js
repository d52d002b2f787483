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

function valueOf(name, example, values) {
  if (Object.hasOwn(values, name)) return values[name];
  if (name === "dids" && values.did) return [values.did];
  if (name === "macs" && values.mac) return [values.mac];
  if (name === "parent_gid" && values.gid) return values.gid;
  return /^(start|end)/.test(name) ? recent(name, example) : example;
}

/** Whether a parameter is sent if nobody touches it. */
function isFilled(parameter) {
  return parameter.required || parameter.name === "product_key";
}

function fillParameter(parameter, values, exampleWord) {
  const example = valueOf(parameter.name, parameter.example, values);
  parameter.description += ` (${exampleWord} \`${example}\`)`;
  if (isFilled(parameter) || (parameter.schema.enum && "default" in parameter.schema))
    parameter.example = example;
  else
    delete parameter.example;
}

/** Changes the document's examples in place. values.calls, by a call's id, goes before the values of all. */
export function fillCalls(spec, all, exampleWord) {
  for (const path of Object.values(spec.paths)) {
    for (const call of Object.values(path)) {
      const values = { ...all, ...all.calls?.[call.operationId] };
      for (const parameter of call.parameters)
        fillParameter(parameter, values, exampleWord);
      const body = call.requestBody?.content["application/json"];
      if (body)
        body.example = Object.fromEntries(
          Object.entries(body.example).map(([name, example]) => [name, valueOf(name, example, values)]));
    }
  }
}
