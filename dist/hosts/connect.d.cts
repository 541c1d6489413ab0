/*! microrest/connect 0.7.0, MIT licence, (c) the microrest authors. Generated from hosts/connect.ts by `npm run build`. */

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
 * connect: an app as middleware in somebody else's server of Node: express, connect, polka, Vite, fastify, koa, NestJS, or one's own.
 *
 *     server.use('/api', connect(app))
 *
 * What the app does not route goes on to the server's next middleware, which finds the request as it was. What crosses the border are
 * the fields of the request alone, so it works with any copy of the core.
 */

declare global {
    namespace Microrest {
        interface Extras {
            /** The url as it came, whatever prefixes have been taken off since. */
            originalUrl?: string | undefined;
        }
    }
}
/** An app, as far as it is used here. */
interface ConnectApp {
    (req: HostReq, res: HostRes, next?: Next): unknown;
    readonly rest: {
        reportError(err: unknown, cause: string): void;
    };
    onError(err: unknown, req: Req, res: Res, next: Next): unknown;
}
interface ConnectOptions {
    /**
     * What becomes of errors that no err step of the app has dealt with: 'answer' has the app's `onError` answer them, 'pass' calls the
     * server's `next(err)` in its place. Default 'answer'.
     */
    errors?: 'answer' | 'pass' | undefined;
    /**
     * How long the app may take to begin its answer, in milliseconds. Then the request has failed with a 503, which `errors` says what to
     * do with; the app is not stopped. Default 0: for ever.
     */
    timeout?: number | undefined;
}
/** Middleware of express' and connect's kind. Without a `next`, as by `http.createServer`, the app answers everything. */
interface ConnectMiddleware {
    (req: HostReq, res: HostRes, next?: Next): void;
}
/**
 * Make middleware for a server of Node out of an app.
 *
 *     server.use(connect(app, { errors: 'pass' }))
 *
 * What the app does not route falls through: its pre and post steps have run, and what they set on the response stays; its err steps
 * have not. A 404 that a route throws is an answer. Throws for what is no app, and for options that cannot be.
 */
declare function connect(app: ConnectApp, options?: ConnectOptions): ConnectMiddleware;

type exported_ConnectApp = ConnectApp;
type exported_ConnectMiddleware = ConnectMiddleware;
type exported_ConnectOptions = ConnectOptions;
declare const exported: {
  connect: typeof connect;
};
declare namespace exported {
  export { exported_ConnectApp as ConnectApp };
  export { exported_ConnectMiddleware as ConnectMiddleware };
  export { exported_ConnectOptions as ConnectOptions };
}
export = exported;
