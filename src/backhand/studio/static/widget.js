// The page in a notebook: in a frame of its own, which asks through the notebook's Python.
export default {
  render({ model, el }) {
    const frame = document.createElement("iframe");
    frame.sandbox = "allow-scripts allow-downloads";
    frame.title = "Backhand studio";
    frame.style.cssText = `width:100%;height:${model.get("height")}px;border:1px solid #8888;border-radius:8px`;
    frame.srcdoc = model.get("page");
    const asked = (event) => {
      if (event.source === frame.contentWindow) model.send(event.data);
    };
    const answered = (message) => frame.contentWindow?.postMessage(message, "*");
    addEventListener("message", asked);
    model.on("msg:custom", answered);
    el.append(frame);
    return () => {
      removeEventListener("message", asked);
      model.off("msg:custom", answered);
    };
  },
};
