"""The API server without its sockets: one request in, one answer (or a watch to begin) out."""

from __future__ import annotations

from deploy.sandbox.cluster.api import discovery, listing, subresources
from deploy.sandbox.cluster.api.access import Access, Ask
from deploy.sandbox.cluster.api.bodies import decode_object, media_type, read_new
from deploy.sandbox.cluster.api.calls import Answer, Request, Target, Write, target_of, verb_of, write_of
from deploy.sandbox.cluster.api.deletion import delete, options_of
from deploy.sandbox.cluster.api.effects import Effect, Effects
from deploy.sandbox.cluster.api.patching import APPLY, apply, patch, require
from deploy.sandbox.cluster.api.watching import Watch
from deploy.sandbox.cluster.kubelet.usage import METRICS_VERSION, node_metrics, pod_metrics
from deploy.sandbox.cluster.objects.ownership import Manager
from deploy.sandbox.cluster.objects.refusals import Refusal, no_such_path
from deploy.sandbox.cluster.objects.resources import NODES, PODS, Resource, by_plural
from deploy.sandbox.cluster.objects.selectors import Matches, label_selector
from deploy.sandbox.cluster.objects.shapes import Object
from deploy.sandbox.cluster.plane import Plane


class ApiServer:
    """Answers requests over the plane's store. Callers hold the store's lock."""

    def __init__(self, plane: Plane, access: Access, effects: Effects) -> None:
        self._plane = plane
        self._access = access
        self._effects = effects

    def answer(self, request: Request) -> Answer | Watch:
        """Carry a request out. A refusal is raised."""
        if request.method == "GET" and (found := discovery.answer(request.path)) is not None:
            return Answer(200, found, media_type="text/plain" if isinstance(found, bytes) else "application/json")
        user = self._access.user_of(request)
        target = target_of(request.path)
        if target.group == "authorization.k8s.io":
            return Answer(201, self._review(user, request, target))
        verb = verb_of(request, target)
        self._access.check(user, Ask(verb, target.group, target.full_resource, target.namespace, target.name))
        if target.group == "metrics.k8s.io":
            return Answer(200, self._metrics(request, target))
        resource = by_plural(target.group, target.plural)
        if resource is None or resource.version != target.version:
            raise no_such_path()
        if target.subresource and target.subresource not in resource.subresources:
            raise no_such_path()
        return _Conversation(self._plane, self._effects, request, target, resource, user, verb).answer()

    def _review(self, user: str, request: Request, target: Target) -> Object:
        if target.plural != "selfsubjectaccessreviews":
            raise no_such_path()
        body = decode_object(request)
        asked = (body.get("spec") or {}).get("resourceAttributes") or {}
        resource = asked.get("resource", "")
        if asked.get("subresource"):
            resource = f"{resource}/{asked['subresource']}"
        ask = Ask(
            asked.get("verb", ""), asked.get("group", ""), resource, asked.get("namespace", ""), asked.get("name", "")
        )
        allowed = self._access.allows(user, ask)
        kind = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectAccessReview", "metadata": {}}
        return {**body, **kind, "status": {"allowed": allowed}}

    def _metrics(self, request: Request, target: Target) -> Object:
        if target.plural not in ("pods", "nodes"):
            raise no_such_path()
        store = self._plane.store
        if target.plural == "pods":
            pods = store.all(PODS, target.namespace or None)
            found = [entry for entry in (pod_metrics(self._plane, pod) for pod in pods) if entry]
        else:
            found = [node_metrics(self._plane, node) for node in store.all(NODES)]
        kind = "PodMetrics" if target.plural == "pods" else "NodeMetrics"
        if target.name:
            for entry in found:
                if entry["metadata"]["name"] == target.name:
                    return entry
            where = f"{target.namespace}/{target.name}" if target.namespace else target.name
            raise Refusal(404, "NotFound", f'{kind.lower()}.metrics.k8s.io "{where}" not found')
        matches = label_selector(request.query.get("labelSelector", ""))
        items = sorted(filter(matches, found), key=lambda entry: str(entry["metadata"]["name"]))
        return {"kind": f"{kind}List", "apiVersion": METRICS_VERSION, "metadata": {}, "items": items}


class _Conversation:
    """One request about a stored kind, with everything its answer depends on."""

    def __init__(
        self,
        plane: Plane,
        effects: Effects,
        request: Request,
        target: Target,
        resource: Resource,
        user: str,
        verb: str,
    ) -> None:
        self._plane = plane
        self._effects = effects
        self._request = request
        self._target = target
        self._resource = resource
        self._user = user
        self._verb = verb
        self._write: Write = (
            write_of(request) if request.method in ("POST", "PUT", "PATCH") else write_of_reads(request)
        )

    def answer(self) -> Answer | Watch:
        """Choose by verb."""
        match self._verb:
            case "watch":
                return Watch(self._resource, self._request, self._selection())
            case "list":
                return Answer(200, self._list())
            case "deletecollection":
                return Answer(200, self._delete_all())
            case "create" if not self._target.name:
                return self._create()
            case "get":
                return self._get()
            case "delete":
                return Answer(200, self._delete())
            case _:
                return self._change()

    def _selection(self) -> Matches:
        return listing.selection(self._request, self._resource, self._target)

    def _list(self) -> Object:
        now = self._plane.clock.moment()
        return listing.page(self._plane.store, self._request, self._resource, self._target, now)

    def _current(self) -> Object:
        return require(self._plane.registry, self._resource, self._target.namespace, self._target.name)

    def _get(self) -> Answer:
        current = self._current()
        match self._target.subresource:
            case "log":
                text = subresources.log_of(self._plane, self._request, current)
                return Answer(200, text, media_type="text/plain")
            case "scale":
                return Answer(200, subresources.scale_of(current))
            case _:
                return Answer(200, self._dress(current))

    def _dress(self, item: Object) -> Object:
        return listing.dress(self._request, self._resource, item, self._plane.clock.moment())

    def _create(self) -> Answer:
        body = read_new(self._resource, decode_object(self._request), self._write)
        meta = body.get("metadata") or {}
        namespace = self._target.namespace or ("" if not self._resource.namespaced else meta.get("namespace", ""))
        manager = Manager(self._write.manager)
        made = self._plane.registry.create(self._resource, namespace, body, manager, self._write.dry_run)
        self._record(made, not self._write.dry_run)
        return self._done(201, self._dress(made))

    def _change(self) -> Answer:
        """PUT, PATCH and POST to something that has a name."""
        request, target, write = self._request, self._target, self._write
        if request.method == "PATCH" and media_type(request) == APPLY and not target.subresource:
            return self._apply()
        current = self._current()
        match target.subresource:
            case "scale":
                changed = subresources.set_scale(self._plane, request, self._resource, current, write)
                return self._changed(current, changed, subresources.scale_of(changed))
            case "eviction":
                dry_run = subresources.evict(self._plane, request, current)
                self._record(current, not dry_run, dry_run)
                return self._done(201, subresources.SUCCESS)
            case "binding":
                subresources.bind(self._plane, request, current)
                self._record(current, True)
                return self._done(201, subresources.SUCCESS)
            case "token":
                return self._done(201, subresources.token_of(self._plane, request, current))
            case "finalize":
                return self._done(200, current)
            case subresource:
                changed = self._put(current) if request.method == "PUT" else self._patch(current, subresource)
                return self._changed(current, changed, self._dress(changed))

    def _put(self, current: Object) -> Object:
        registry, write = self._plane.registry, self._write
        body = read_new(self._resource, decode_object(self._request), write)
        manager = Manager(write.manager, "Update", self._target.subresource)
        if self._target.subresource == "status":
            return registry.update_status(self._resource, current, body, manager, write.dry_run)
        return registry.update(self._resource, current, body, manager, write.dry_run)

    def _patch(self, current: Object, subresource: str) -> Object:
        return patch(self._plane.registry, self._request, self._resource, current, subresource, self._write)

    def _apply(self) -> Answer:
        target = self._target
        before = self._plane.store.get(self._resource, target.namespace, target.name)
        item, is_new = apply(
            self._plane.registry,
            self._plane.clock,
            self._request,
            self._resource,
            target.namespace,
            target.name,
            self._write,
        )
        self._record(item, not self._write.dry_run and item is not before)
        return self._done(201 if is_new else 200, self._dress(item))

    def _changed(self, before: Object, after: Object, shown: Object) -> Answer:
        self._record(after, after is not before and not self._write.dry_run)
        return self._done(200, shown)

    def _delete(self) -> Object:
        current = self._current()
        how, dry_run = options_of(self._request)
        shown = delete(self._plane.registry, self._resource, current, how, dry_run)
        self._record(current, not dry_run, dry_run)
        return shown

    def _delete_all(self) -> Object:
        how, dry_run = options_of(self._request)
        matches = self._selection()
        found = [
            item for item in self._plane.store.all(self._resource, self._target.namespace or None) if matches(item)
        ]
        for item in found:
            self._plane.registry.delete(self._resource, item, how, dry_run)
            self._record(item, not dry_run, dry_run)
        head = {"kind": f"{self._resource.kind}List", "apiVersion": self._resource.api_version}
        return {**head, "metadata": {"resourceVersion": str(self._plane.store.revision)}, "items": found}

    def _done(self, code: int, body: Object) -> Answer:
        return Answer(code, body, tuple(self._write.warnings))

    def _record(self, item: Object, changed: bool, dry_run: bool | None = None) -> None:
        meta = item["metadata"]
        self._effects.append(
            Effect(
                seq=len(self._effects) + 1,
                time=self._plane.clock.stamp(),
                user=self._user,
                user_agent=self._request.header("user-agent"),
                manager=self._write.manager,
                verb=self._verb,
                group=self._resource.group,
                resource=self._resource.plural,
                kind=self._resource.kind,
                subresource=self._target.subresource,
                namespace=meta.get("namespace", ""),
                name=meta["name"],
                uid=meta.get("uid", ""),
                dry_run=self._write.dry_run if dry_run is None else dry_run,
                changed=changed,
                resource_version=meta.get("resourceVersion", ""),
            )
        )


def write_of_reads(request: Request) -> Write:
    """The manager's name for requests whose other write options do not come from the query."""
    return write_of(
        Request(request.method, request.path, {"fieldManager": request.query.get("fieldManager", "")}, request.headers)
    )
