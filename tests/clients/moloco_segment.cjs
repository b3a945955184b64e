// Segment's destination for Moloco. Reads {port, settings, events} from standard input, hands the events to the destination with
// its own presets, and prints what became of each. Of the connection only the address is ours: this machine's, whatever the host.
const https = require('node:https');
const tls = require('node:tls');
const { text } = require('node:stream/consumers');
const { Destination } = require('@segment/actions-core');
const moloco = require('@segment/action-destinations/dist/destinations/moloco-rmp/index.js').default;

const subscriptions = moloco.presets.map(({ subscribe, partnerAction, mapping }) => ({ subscribe, partnerAction, mapping }));

async function sent(event, settings) {
  const destination = new Destination(moloco);
  try {
    const results = await destination.onEvent(event, { ...settings, subscriptions });
    const executed = results.filter(({ output }) => output === 'Action Executed').map(({ data }) => data);
    return { executed, statuses: destination.responses.map(({ status }) => status) };
  } catch (error) {
    return { status: error.response?.status, body: await error.response?.json(), message: error.message };
  }
}

async function main() {
  const { port, settings, events } = JSON.parse(await text(process.stdin));
  https.globalAgent.createConnection = (options) => tls.connect({ ...options, host: '127.0.0.1', port });
  console.log(JSON.stringify(await Promise.all(events.map((event) => sent(event, settings)))));
}

main();
