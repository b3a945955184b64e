// Google's client for Node. Reads calls ([{method, request, options}]) from standard input, makes them all at once, and prints what came back.
import { text } from 'node:stream/consumers';
import retail from '@google-cloud/retail';
import { PassThroughClient } from 'google-auth-library';

const client = new retail.v2.UserEventServiceClient({
  fallback: true,
  protocol: 'http',
  apiEndpoint: '127.0.0.1',
  port: Number(process.argv[2]),
  authClient: new PassThroughClient(),
});

async function called({ method, request, options }) {
  try {
    const [answer] = await client[method](request, options);
    if (typeof answer.promise !== 'function') return { answer };
    const [result, metadata] = await answer.promise();
    const [asked] = await client.getOperation({ name: answer.name });
    return { answer: result, metadata, name: answer.name, done: asked.done };
  } catch (error) {
    return { code: error.code, message: error.message };
  }
}

const calls = JSON.parse(await text(process.stdin));
console.log(JSON.stringify(await Promise.all(calls.map(called))));
