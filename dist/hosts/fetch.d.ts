/*! microrest/fetch 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/fetch.ts by `npm run build`. */

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
/** A value of a query: a string, 1 for a name without a value, or all values of a repeated name. */
type QueryValue = string | 1 | (string | 1)[];
/** A parsed query or url-encoded body, by name. */
interface Query {
    [name: string]: QueryValue | undefined;
}
/** The path parameters of a route whose path is not known to the compiler. */
interface AnyParams {
    [name: string]: string | undefined;
}
/** A request as a step sees it. */
interface Req<Params = AnyParams> extends HostReq, Microrest.Extras {
    /** The path parameters, percent-decoded. Never missing in a route's steps. */
    params: Params;
    /** The query, once `parseQuery` has run. */
    query: Query;
    /** The path without the query, as it came from the wire, once `parseQuery` has run. */
    path: string;
    /** The body, once it has been read: bytes, or a string where the request has an encoding set. */
    body: unknown;
    /** The prefix that a mount has taken off `url`; undefined outside a mount. */
    baseUrl?: string | undefined;
    /** Set by a pre step, the route to run instead of the one that would be looked up. */
    _route?: Step[] | {
        mw: Step[];
        params?: object | undefined;
    } | undefined;
    /** Set by a host or a pre step, what runs for a path that is not routed, in place of the 404 and the err steps that see it. */
    _unrouted?: Step | undefined;
    /** Set by a host: the errors that are left go to the `next` that the app was given, and not to `onError`. */
    _pass?: boolean | undefined;
}
/** A response as a step sees it. */
interface Res extends HostRes {
}
/**
 * Go on. Without an argument to the next step; with a truthy one to the err steps; with `false` to the end of the chain.
 *
 * Only the first call counts.
 */
type Next = (err?: unknown) => void;
/** A middleware step, or the function that a route ends in. One that declares at most `req` may return its answer. */
interface Step<Params = AnyParams> {
    (req: Req<Params>, res: Res, next: Next): unknown;
    /** `false` on the first step of a route: the body is left unread, for the steps to read. */
    readBody?: false | undefined;
}

/**
 * fetch: an app where requests and responses are those of the Fetch standard: Deno, Bun, workers, a browser's service worker.
 *
 *     Deno.serve(toFetch(app))
 *
 * `toFetch` makes a fetch handler out of an app, and `fromFetch` a step out of a fetch handler. Both stream both ways, and let neither
 * side write faster than the other one reads. What is called here all of those runtimes have; nothing but types is imported.
 */

/** What a global class makes; unknown to a compiler that has been told of no such class. */
type Instance<Name extends string> = typeof globalThis extends {
    [key in Name]: {
        prototype: infer It;
    };
} ? It : unknown;
/** A request of the Fetch standard. */
type FetchRequest = Instance<'Request'>;
/** A response of the Fetch standard. */
type FetchResponse = Instance<'Response'>;
declare global {
    namespace Microrest {
        interface Extras {
            /** The request as the runtime has handed it in, if it has come through `toFetch`. */
            request?: FetchRequest | undefined;
            /** What the runtime has handed in beside it: Deno's info, Bun's server, a worker's env and context, a service worker's event. */
            runtime?: readonly unknown[] | undefined;
            /** Have the runtime wait for what goes on after the answer. What it rejects with is told on the console. */
            waitUntil?(promise: PromiseLike<unknown>): void;
        }
    }
}
/** An app, or any other listener for requests. */
type FetchApp = (req: HostReq, res: HostRes) => unknown;
/** What a runtime calls with a request, and with what else it has. */
type FetchHandler = (request: FetchRequest, ...runtime: unknown[]) => Promise<FetchResponse>;
interface ToFetchOptions {
    /**
     * The header that tells the client's address, such as 'cf-connecting-ip'. Only one that a proxy in front sets in every request, or
     * else clients say there what they like. Default none: the address is the one that the runtime tells, where it does.
     */
    clientAddressHeader?: string | undefined;
    /** How long an app may take to begin its answer, in milliseconds. After that the answer is a 503. Default no limit. */
    timeout?: number | undefined;
}
/**
 * Make a fetch handler out of an app.
 *
 *     Deno.serve(toFetch(app))                            // Deno
 *     Bun.serve({ fetch: toFetch(app) })                  // Bun
 *     export default { fetch: toFetch(app) }              // workers
 *     addEventListener('fetch', (event) => event.respondWith(handler(event.request, event)))    // a service worker
 *
 * It resolves when the answer begins, and does not reject: what an app throws is a 500, and is told on the console. Throws at once on
 * what is no app, and on options that cannot be.
 */
declare function toFetch(app: FetchApp, options?: ToFetchOptions): FetchHandler;
/** A function from a request to a response; from nothing to the next step. */
type FetchFunction = (request: FetchRequest, req: Req) => FetchAnswer | PromiseLike<FetchAnswer>;
type FetchAnswer = FetchResponse | null | undefined | void;
/**
 * Make a step out of a fetch handler, or of any function from a Request to a Response.
 *
 *     app.all('/auth/:*', fromFetch((request) => auth.handler(request)))
 *
 * The function gets the request with all of its path, as the client has sent it, and the `req` of the steps. Without an answer from it
 * the next step is called. A body is streamed to it, or is what a step before has read. Works in any host.
 */
declare function fromFetch(handler: FetchFunction): Step;

export { fromFetch, toFetch };
export type { FetchApp, FetchFunction, FetchHandler, FetchRequest, FetchResponse, ToFetchOptions };
