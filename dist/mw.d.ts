/*! microrest/mw 0.7.0, MIT licence, (c) the microrest authors. Generated from mw.ts by `npm run build`. */

/**
 * mw: what every step and both routers stand on. Types, errors, answers, bodies, queries, paths, and the run that
 * carries one request through its steps.
 *
 * The first of the core's three modules: it imports nothing. It knows no Node and calls only what the smallest
 * engines have, so that the built script runs wherever there is JavaScript at all.
 */
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
type Parts<Path extends string, Seen = never> = Path extends `${infer Part}/${infer Rest}` ? Parts<Rest, Seen | Part> : Seen | Path;
type TailPart = `:*${string}` | '*';
type NameOf<Part> = Part extends '*' | ':*' ? '*' : Part extends `:*${infer Name}` ? Name : Part extends `:${infer Name}` ? Name : never;
/** The parameters of a path: `PathParams<'/users/:id/:*rest'>` is `{ id: string, rest: string | undefined }`. */
type PathParams<Path extends string | RegExp> = Path extends string ? {} extends {
    [Known in Path]: 1;
} ? AnyParams : {
    [Part in Parts<Path> as NameOf<Part>]: Part extends TailPart ? string | undefined : string;
} : AnyParams;
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
/** A step for errors. `next()` says that the error has been dealt with, `next(err)` hands it to the next err step. */
interface ErrStep {
    (err: unknown, req: Req, res: Res, next: Next): unknown;
}
/** An Error that is meant for the client: what `HttpError` makes, and what other libraries make in the same shape. */
interface HttpErrorLike extends Error {
    statusCode: number;
    debug?: unknown;
    details?: unknown;
    headers?: {
        [name: string]: string | number | readonly string[];
    };
    /** True if `message` may be shown to the client. */
    expose?: boolean;
}
/** What a router may find in the `rest` that it is given. Nothing in it is needed. */
interface RestLike {
    reportError?(err: unknown, cause: string): void;
    /** How deep `next()` may nest before a loop takes over, in steps. Default 100. */
    maxNesting?: number | undefined;
}
/**
 * Print a notice by `console.warn`, after a timestamp and the name "microrest". By `console.log` where that is all there is, as in
 * qjs. Silent where there is no console.
 */
declare function warn(...args: unknown[]): void;
interface HttpErrorConstructor {
    new (statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike;
    (statusCode?: number, debug?: unknown, details?: unknown): HttpErrorLike;
}
/**
 * Make an Error that tells the client its status, and, where given, `debug` and `details`.
 *
 *     throw new HttpError(404, 'no such colour')    //=> 404 {"error":"404","message":"404 Not Found","debug":"no such colour"}
 *
 * Without a status it is 500. The message is the status and its phrase; unknown ones are "777 Internal Error".
 */
declare const HttpError: HttpErrorConstructor;
type Headers = {
    readonly [name: string]: string | number | readonly string[];
};
/** Answer with an error, or with a status and a body: `sendResponse` for those who need no `next`. */
declare function writeResponse(res: HostRes, errOrStatus: unknown, body?: unknown, headers?: Headers | null): void;
/**
 * Answer a request, and go on.
 *
 * A truthy `err` is sent as an error: its `statusCode` (500 if it has none), `debug`, `details` and `headers`. Else
 * `statusCode` (default 200), `headers` and `body`: strings and bytes as they are, undefined as no body, anything else as JSON.
 *
 * Calls `next` with the failure if the headers or the body could not be sent.
 */
declare function sendResponse(_req: HostReq, res: HostRes, next?: Next | null, err?: unknown, statusCode?: number | null, body?: unknown, headers?: Headers | null): void;
/**
 * Parse a query string, or a url-encoded body, into an object of names and values.
 *
 *     parseQuery('a=1&b&c=x&c=y')    //=> { a: '1', b: 1, c: ['x', 'y'] }
 *
 * `+` is a space. Malformed escapes stay literal. Any name is a name, `__proto__` too.
 */
declare function parseQuery(text: string): Query;
/** Options of `buildParseQuery`: none yet. */
interface ParseQueryOptions {
}
/**
 * Build a step that parses the query of `req.url`.
 *
 * It sets `req.query`, `req.path`, and in `req.params` each name that no route parameter has.
 */
declare function buildParseQuery(_options?: ParseQueryOptions): Step;
/** The ready-made step of `buildParseQuery`. */
declare const mwParseQuery: Step;
interface ReadBodyOptions {
    /** The longest body to accept, in bytes. Default 1048576 (1 MiB); `Infinity` for no limit. */
    bodySizeLimit?: number | undefined;
    /** The status for a longer one. Default 400; 413 is the other sensible value. */
    bodySizeStatus?: number | undefined;
}
/** A step that sets `req.body`. Calls `next(err, context, body)`. */
interface ReadBody {
    (req: HostReq, res: HostRes, next: (err?: unknown, context?: unknown, body?: unknown) => void, context?: unknown): unknown;
}
/**
 * Build a step that reads the request's body into `req.body`, or leaves it if that is set already.
 *
 * Bytes become one Buffer, a single chunk without a copy; chunks that are strings become one string. A body over the limit
 * gets a 400 "max body size exceeded" and a closed connection, one that breaks off a 400 "aborted". Throws on a limit that is no
 * number of bytes.
 */
declare function buildReadBody(options?: ReadBodyOptions): ReadBody;
/** The ready-made step of `buildReadBody`, with a limit of 1 MiB. */
declare const mwReadBody: ReadBody;
/** Options that say which paths are the same. */
interface PathOptions {
    /** Take '/a/' and '/a' for the same path. Default false. */
    ignoreTrailingSlash?: boolean | undefined;
    /** Take '/A' and '/a' for the same path. Default false. */
    ignoreCase?: boolean | undefined;
}

export { HttpError, buildParseQuery, buildReadBody, mwParseQuery, mwReadBody, parseQuery, sendResponse, warn, writeResponse };
export type { AnyParams, ErrStep, Headers, HostReq, HostRes, HttpErrorConstructor, HttpErrorLike, Listener, Next, ParseQueryOptions, PathOptions, PathParams, Query, QueryValue, ReadBody, ReadBodyOptions, Req, Res, RestLike, Step };
