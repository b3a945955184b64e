// A shop's page with the Clickstream Web SDK in it. Beside the SDK it only keeps what the SDK sends, and how that is answered.
import { ClickstreamAnalytics, SendMode } from '@aws/clickstream-web';

const sent = [];
const { fetch } = window;
window.fetch = async (url, options) => {
  const request = { url: String(url), body: options.body };
  sent.push(request);
  const response = await fetch(url, options);
  request.status = response.status;
  request.answer = await response.clone().text();
  return response;
};
Object.assign(window, { ClickstreamAnalytics, SendMode, sent });
