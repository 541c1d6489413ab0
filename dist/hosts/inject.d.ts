/*! microrest/inject 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/inject.ts by `npm run build`. */

declare global {
    namespace Microrest {
        /** What add-ons put on a request. An add-on declares its fields here, and every step sees them on `req`. */
        interface Extras {
        }
    }
}
/**
 * What is told of an event. Written as a method, and so bivariant: a listener may say what its event brings,
 * `(chunk: Uint8Array) => …`, although nobody here knows.
 */
type Listener = {
    listen(value: unknown): void;
}['listen'];
/** A request as a host hands it in. Node's `IncomingMessage` fits without a cast. */
interface HostReq {
    /** The method, upper-case, as it came from the wire. */
    method?: string | undefined;
    /** The request target: path and query, percent-encoded, as it came from the wire. */
    url?: string | undefined;
    /** The header fields by lower-case name. */
    headers: {
        readonly [name: string]: string | readonly string[] | undefined;
    };
    on(event: string, listener: Listener): unknown;
}
/** A response as a host hands it in. Node's `ServerResponse` fits without a cast. */
interface HostRes {
    statusCode: number;
    readonly headersSent: boolean;
    readonly writableEnded?: boolean;
    readonly destroyed?: boolean;
    setHeader(name: string, value: string | number | readonly string[]): unknown;
    getHeader(name: string): string | number | readonly string[] | undefined;
    removeHeader(name: string): void;
    writeHead(statusCode: number, headers?: {
        [name: string]: string | number | string[];
    }): HostRes;
    write(chunk: string | Uint8Array): boolean;
    end(chunk?: string | Uint8Array): unknown;
    on(event: string, listener: Listener): unknown;
    destroy(error?: Error): unknown;
}
/**
 * Go on. Without an argument to the next step; with a truthy one to the err steps; with `false` to the end of the chain.
 *
 * Only the first call counts.
 */
type Next = (err?: unknown) => void;

/**
 * embed: how a request gets in where there is no `http` module. A host, such as a C program with an engine in it, hands over plain
 * values and gets plain values back.
 *
 * It makes the `req` and `res` that the core expects, and no more than that. Part of the scripts for small engines, so it imports
 * nothing but types and calls only what the smallest engines have. No timer, no promise: what happens, happens in a call of
 * the host's.
 */

/** Header fields: values by name, or names and values in turn, as they came (`['Host', 'a.test', 'Accept', '*']`). */
type EmbedHeaders = readonly string[] | {
    readonly [name: string]: string | number | readonly string[] | undefined;
};

/**
 * inject: asks an app without a socket, for its tests.
 *
 *     const answer = await inject(app, 'GET', '/users/7')
 *     answer.statusCode, answer.json()
 *
 * The app sees a request as embed.ts makes it, which is what a device sees.
 */

/** An app, or any other listener for requests. */
type InjectApp = (req: HostReq, res: HostRes, next?: Next) => unknown;
interface InjectOptions {
    /** Header fields by name, in any case, or names and values in turn. Default none. */
    headers?: EmbedHeaders | undefined;
    /** Text and bytes are sent as they are, anything else as JSON, with its content-type. Default no body. */
    body?: unknown;
    /** What the app finds as `req.socket`, such as `{ remoteAddress: '10.0.0.7' }`. */
    client?: object | undefined;
}
/** An answer as it would have come over the wire. */
interface InjectAnswer {
    statusCode: number;
    /** The header fields by lower-case name; those sent more than once are joined by ', ', but for set-cookie, a list. */
    headers: {
        [name: string]: string | string[] | undefined;
    };
    /** The body as text. */
    body: string;
    /** The body as bytes. */
    bytes: Uint8Array;
    /** The body, parsed as JSON. Throws if it is not JSON. */
    json(): unknown;
}
/**
 * Ask an app, and wait for its answer.
 *
 * Rejects if the app throws, cuts its answer off, or has its `next` called without an answer, with the error that it was called with.
 * The body comes after the head, as over a network. An app that never answers is waited for.
 */
declare function inject(app: InjectApp, method: string, url: string, options?: InjectOptions): Promise<InjectAnswer>;

export { inject };
export type { InjectAnswer, InjectApp, InjectOptions };
