"""What Streamlit runs for each visitor."""

from earmark_dashboard.app import show

show()
