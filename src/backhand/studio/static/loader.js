// A page in one file has nowhere to load its modules from: they stand in it, each after those that it takes.
{
  const addresses = {};
  for (const [name, source] of JSON.parse(document.getElementById("modules").textContent)) {
    const placed = source.replace(/\b(from|import)\s*"([^"]+)"/g, (all, word, taken) => (taken in addresses ? `${word} "${addresses[taken]}"` : all));
    addresses[name] = URL.createObjectURL(new Blob([placed], { type: "text/javascript" }));
  }
  import(addresses["./main.js"]);
}
