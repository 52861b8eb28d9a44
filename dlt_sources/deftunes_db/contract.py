"""What a row of the DeFtunes song catalogue is. See README.md for the source's habits."""

from dlt_sources.contract import Contract, column


class Song(Contract):
    """One track of the catalogue (the Million Song Dataset's track metadata)."""

    track_id: str = column("The track (TR...); session items point at it", max_length=18, pattern=r"^TR[0-9A-Z]{16}$")
    title: str | None = column("Title of the track", max_length=500)
    song_id: str = column(
        "The composition (SO...); several tracks may share it", max_length=18, pattern=r"^SO[0-9A-Z]{16}$"
    )
    release: str | None = column("Album or single the track is from", max_length=500)
    artist_id: str = column("The artist (AR...)", max_length=18, pattern=r"^AR[0-9A-Z]{16}$")
    artist_mbid: str | None = column("The artist at MusicBrainz; one artist can have several", max_length=36)
    artist_name: str = column("Artist as credited on the track", min_length=1, max_length=500)
    duration: float | None = column("Length", unit="seconds", ge=0)
    artist_familiarity: float | None = column("How well known the artist is, 0 to 1")
    artist_hotttnesss: float | None = column("How much talked about the artist is, 0 and up")
    year: int = column("Year of release; 0 = unknown", ge=0, le=2100)
    track_7digitalid: int | None = column("The track at 7digital")
    shs_perf: int | None = column("Performance at SecondHandSongs; -1 = none")
    shs_work: int | None = column("Work at SecondHandSongs; 0 = none")
