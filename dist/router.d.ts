/*! microrest/router 0.7.0, MIT licence, (c) the microrest authors. Generated from router.ts by `npm run build`. */

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
/** What a router may find in the `rest` that it is given. Nothing in it is needed. */
interface RestLike {
    reportError?(err: unknown, cause: string): void;
    /** How deep `next()` may nest before a loop takes over, in steps. Default 100. */
    maxNesting?: number | undefined;
}
interface ReadBodyOptions {
    /** The longest body to accept, in bytes. Default 1048576 (1 MiB); `Infinity` for no limit. */
    bodySizeLimit?: number | undefined;
    /** The status for a longer one. Default 400; 413 is the other sensible value. */
    bodySizeStatus?: number | undefined;
}
/** Options that say which paths are the same. */
interface PathOptions {
    /** Take '/a/' and '/a' for the same path. Default false. */
    ignoreTrailingSlash?: boolean | undefined;
    /** Take '/A' and '/a' for the same path. Default false. */
    ignoreCase?: boolean | undefined;
}

/**
 * router: the full router. Routes by method and path pattern, and steps before, around and after them.
 *
 * The second of the core's three modules: it imports mw.ts and nothing else.
 */

interface RouterOptions extends PathOptions, ReadBodyOptions {
    /** What reads the body into `req.body`, called as `(req, res, next)`; `false` reads none. Default as `mw.buildReadBody`. */
    readBody?: Step | false | undefined;
    /** Answer a path that is routed for other methods only with 405 and `Allow`, and OPTIONS with 204. Default false: 404. */
    methodNotAllowed?: boolean | undefined;
}
/** What `routes()` says of a route. */
interface RouteInfo {
    /** The method; `_ANY_` for all. */
    method: string;
    /** The path or pattern as it was defined; of a RegExp its text. */
    path: string;
}
/** A pattern that `getRoute` has matched. */
interface MatchedRoute {
    mw: Step[];
    params: {
        [name: string]: string | undefined;
    };
    path: string | RegExp;
}
/**
 * A router with methods, path parameters and any number of steps.
 *
 *     const app = rest({ router: new Router() })
 *     app.get('/users/:id', (req) => find(req.params.id))
 *
 * Throws, when a route is defined, for a path, method or step that cannot be.
 */
declare class Router {
    readonly options: RouterOptions;
    constructor(options?: RouterOptions);
    /**
     * Define the steps of a route, or add steps to a category.
     *
     *     setRoute('/path/:id', 'GET', step)    setRoute('/path', [step, step])    setRoute('use', step)
     *
     * Without a method it is `_ANY_`. The same method and shape of path again replaces the earlier route.
     */
    setRoute(category: 'err', steps: ErrStep | readonly ErrStep[]): void;
    setRoute(category: 'pre' | 'use' | 'post', steps: Step | readonly Step[]): void;
    setRoute<Path extends string | RegExp>(path: Path, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]): void;
    setRoute<Path extends string | RegExp>(path: Path, method: string, steps: Step<PathParams<Path>> | readonly Step<PathParams<Path>>[]): void;
    /** Forget the route for a method, or for all methods if none is given; or all steps of a category. */
    deleteRoute(path: string | RegExp, method?: string): void;
    /**
     * Look up what runs for a path: the steps, or for a pattern `{ mw, params, path }`; the steps of a category; else null.
     *
     * The path may be a request's url, query and all. Throws a 400 if it has a malformed escape.
     */
    getRoute(path?: string | null, method?: string): Step[] | MatchedRoute | null;
    /** List the routes in the order of their definition. */
    routes(): RouteInfo[];
    /** Run a request through its route. `callback` is called once, at the end, with the error that no err step dealt with. */
    runRoute(rest: RestLike | undefined, req: HostReq, res: HostRes, callback: (err?: unknown) => void): void;
}

export { Router, Router as default };
export type { MatchedRoute, RouteInfo, RouterOptions };
