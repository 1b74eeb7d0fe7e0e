"""What tests do with the pages of learning: show one, read its words, press its buttons."""

from typing import Any

from streamlit.testing.v1 import AppTest


def accuracy() -> None:
    from earmark_dashboard.pages.accuracy import page

    page()


def learning() -> None:
    from earmark_dashboard.pages.learning import page

    page()


def clean(app: AppTest) -> AppTest:
    assert not app.exception
    return app


def words(app: AppTest) -> str:
    return "\n".join(str(one.value) for one in (*app.text, *app.subheader))


def buttons(app: AppTest) -> dict[str, Any]:
    return {one.label: one for one in app.button}


def press(app: AppTest, label: str) -> AppTest:
    return clean(buttons(app)[label].click().run())


def metrics(app: AppTest) -> dict[str, str]:
    return {one.label: one.value for one in app.metric}
