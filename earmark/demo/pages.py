"""Pages for people: what is on the fake platform, and one page a post so that links open."""

from html import escape

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

from earmark.demo.feeds import page_url, stars
from earmark.demo.markup import as_html, tagged
from earmark.demo.seat import home_of, seat_of
from earmark.demo.shapes import url_of
from earmark.demo.world import Post, World

PLACES = ("news", "blog", "reviews", "hn")
_LABEL = "earmark demo platform - invented people, invented brand"
_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src 'self'"
_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 44rem; margin: 0 auto; padding: 1rem;
  color: #1c2430; background: #f7f7f4 }
header { border-left: 4px solid #b4541a; padding-left: .8rem }
article { background: #fff; border: 1px solid #ddd; border-radius: 6px; padding: .7rem 1rem;
  margin: .8rem 0; overflow-wrap: anywhere }
article.brand { border-color: #b4541a } article.under { margin-left: 2rem }
small { color: #5a6270 } a { color: #8a3c0d }
"""
_PICTURE = (
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 8 8">'
    '<rect width="8" height="8" fill="#b4541a"/></svg>'
)


def _where(post: Post, home: str) -> str:
    return url_of(post, home) if post.place == "social" else page_url(post, home)


def _article(world: World, post: Post, home: str, under: bool = False) -> str:
    person = world.script.person(post.author)
    name = escape(person.name if person and person.name else post.author)
    ours = " brand" if post.author == world.script.brand.handle else ""
    edited = " · edited" if post.edited_at else ""
    title = f"<h2>{escape(post.title)}</h2>" if post.title else ""
    rating = f"<p>{stars(post.rating)}</p>" if post.rating else ""
    return (
        f'<article class="{"under" if under else ""}{ours}">{title}{rating}'
        f"{as_html(post.text, home)}<small>{name} · {escape(post.author)} · "
        f'<a href="{escape(_where(post, home))}">{post.at:%d %b %Y %H:%M:%S} UTC</a>{edited}'
        f"</small></article>"
    )


def _page(title: str, body: str) -> HTMLResponse:
    return HTMLResponse(
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}'
        f'</title><meta name="viewport" content="width=device-width"><style>{_STYLE}</style>'
        f"</head><body><header><h1>{_LABEL}</h1><p>Nothing here is real, and nothing leaves this "
        f"machine.</p></header><main>{body}</main></body></html>",
        headers={"content-security-policy": _POLICY},
    )


async def front(request: Request) -> Response:
    """Shows the newest 60 posts of all places, or those of one."""
    world, home = seat_of(request).look(), home_of(request)
    place = request.url.path.strip("/")
    places = (place,) if place in PLACES else ("social", *PLACES)
    shown = [post for _, post in zip(range(60), world.standing(*places), strict=False)]
    return _page(_LABEL, "".join(_article(world, post, home) for post in shown))


async def someone(request: Request) -> Response:
    """Shows what one person said."""
    world, home = seat_of(request).look(), home_of(request)
    handle = request.path_params["user"]
    said = [post for post in world.standing("social") if post.author == handle][:60]
    if not said and world.script.person(handle) is None:
        raise HTTPException(404, "Not Found")
    return _page(f"@{handle}", "".join(_article(world, post, home) for post in said))


async def tag(request: Request) -> Response:
    """Shows the newest posts under a hashtag."""
    world, home = seat_of(request).look(), home_of(request)
    name = request.path_params["tag"]
    shown = [p for p in world.standing("social") if name.casefold() in tagged(p.text)][:60]
    return _page(f"#{name}", "".join(_article(world, post, home) for post in shown))


async def one(request: Request) -> Response:
    """Shows a post with what is above and under it."""
    world, home = seat_of(request).look(), home_of(request)
    post = world.get(request.path_params.get("id") or request.query_params.get("id", ""))
    if post is None:
        raise HTTPException(404, "Not Found")
    above = "".join(_article(world, p, home) for p in world.ancestors(post))
    under = "".join(_article(world, p, home, under=True) for p in world.replies(post))
    return _page(post.title or f"@{post.author}", above + _article(world, post, home) + under)


async def picture(_: Request) -> Response:
    """Gives the one picture that everybody has."""
    return Response(_PICTURE, media_type="image/svg+xml")


ROUTES = [
    Route("/", front),
    Route("/picture.svg", picture),
    Route("/tags/{tag}", tag),
    Route("/@{user}", someone),
    Route("/@{user}/{id}", one),
    Route("/hn/item", one),
    *(Route(f"/{place}", front) for place in PLACES),
    *(Route(f"/{place}/{{id}}", one) for place in PLACES),
]
